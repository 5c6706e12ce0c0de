"""The pages: view models and figures put into Panel objects, for any template."""
