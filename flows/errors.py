"""The root of every error that ends in one clear sentence for the person at the keyboard.

TaperlineError
├── flows.questionnaire.QuestionnaireError   a questionnaire that cannot be asked
├── flows.catalogue.ContentError             a content file that cannot be used
├── flows.lifecycle.NotAllowedError               a step that the transition table does not have
├── storage.cipher.KeyError_                 keys that are missing, malformed or wrong
├── storage.database.DatabaseError           a database that cannot be opened
└── bot.settings.SettingsError               a setting that is missing or wrong
"""


class TaperlineError(Exception):
    """Something is wrong that a person can mend; the text says what and how."""
