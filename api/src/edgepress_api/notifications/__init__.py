"""Notifications: short messages to people, by e-mail, in a chat, on Matrix.

1. A spec names recipients (`edgepress_common.spec.notify`); `rules` checks whether this server can send to them.
2. A job that ends creates its messages in the same transaction (`edgepress_api.steps.notices`). The scheduler creates
   those about devices (`devices`), and the gateway those that users try (`trying`).
3. The webhook sender claims messages from the same queue as webhooks, with the same retries. `sending` composes the
   text (`text`), and hands it to the mail server (`mail`) or to the web server of a chat.

Delivery is at least once. A Matrix server drops a message that it has already, and the attempts of an e-mail have one
Message-ID.
"""
