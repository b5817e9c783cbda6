"""Distillation of Vertex AI: projects.locations.tuningJobs, as its REST reference has them."""
