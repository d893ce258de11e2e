"""API documentation: Swagger UI and the types of errors."""
