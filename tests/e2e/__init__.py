"""Tests through a real browser."""
