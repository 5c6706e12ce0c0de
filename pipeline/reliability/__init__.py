"""A score from 0 to 1: is a detection on a difference image real?"""
