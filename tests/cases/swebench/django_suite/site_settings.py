SECRET_KEY = "not a secret: only tests run with it"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "polls"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
