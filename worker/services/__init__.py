"""Long-running processes; the only package that uses Celery, Redis, and APScheduler."""
