"""Every sentence the bot says on GitHub, as pure functions of typed values.

`pull_request`, `status` (fix jobs), `review`, `replies` (answers to comments); `evidence` is shared by them, and
`untrusted` makes the text of others harmless. Nothing else of the bot writes prose that is posted.
"""
