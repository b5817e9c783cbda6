"""Projects: the tenants. Made by administrators."""
