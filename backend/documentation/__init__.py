"""The service about itself: its contract as a page, and the types of its errors."""
