"""Send what alerts have to tell: by webhook, by mail, by Apprise; and note what came of it."""
