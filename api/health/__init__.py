"""Health: for load balancers, process managers and Prometheus."""
