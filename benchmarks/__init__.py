"""The benchmarks of gemini-replay: ``python -m benchmarks`` measures, prints and writes all tables."""
