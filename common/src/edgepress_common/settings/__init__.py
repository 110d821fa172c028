"""Settings, read from the environment and from files of secrets."""

from edgepress_common.settings.environment import SECRETS_DIR, BaseEdgepressSettings, BrokerSettings, MachineSettings

__all__ = ["SECRETS_DIR", "BaseEdgepressSettings", "BrokerSettings", "MachineSettings"]
