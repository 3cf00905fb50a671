"""How an action is written: native tool calls (`tools`), or one fenced action an answer (`text`)."""
