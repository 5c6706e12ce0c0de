"""Light on its way: point-spread function, distortion, refraction, sky."""
