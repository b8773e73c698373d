"""The shareable tier: nothing leaves the internal one but through here."""

from crmresearch.publishing.release import Release, publish_edition
from crmresearch.publishing.scanning import scan_folder

__all__ = ["Release", "publish_edition", "scan_folder"]
