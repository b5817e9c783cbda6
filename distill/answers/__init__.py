"""A teacher that is asked: how rows become questions, and answers become distributions over the choices."""
