"""The root of every error that ends in one clear sentence for the person at the keyboard.

TaperlineError
├── flows.plain_yaml.UnreadableError         a file that is neither YAML nor JSON
├── flows.problems.QuestionnaireError        a questionnaire that cannot be asked
├── flows.catalogue.ContentError             a content file that cannot be used
├── flows.listener.PhraseError               a phrase file that cannot be used
├── flows.lifecycle.NotAllowedError          a step that the transition table does not have
├── flows.stretches.NotUnderstoodError       a time or a shift that staff typed and that makes no sense
├── storage.clinicians.NoSuchClinicianError  a name that no clinician has, or more than one
├── storage.rota.RotaError                   a change of the rota that cannot be made
├── storage.cipher.KeysError                 keys that are missing, malformed or wrong
├── storage.cipher.SealBrokenError           a sealed value that does not open
├── storage.database.DatabaseError           a database that cannot be opened
├── bot.chat.NoSuchButtonError               a tap on a button that the chat does not have
├── bot.settings.SettingsError               a setting that is missing or wrong
├── bot.lifeline.FallbackError               a fallback address that Apprise does not know
└── bot.web.PortTakenError                   an address that cannot be listened on
"""


class TaperlineError(Exception):
    """Something is wrong that a person can mend; the text says what and how."""
