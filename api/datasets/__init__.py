"""Datasets: immutable typed rows with splits, made from files."""
