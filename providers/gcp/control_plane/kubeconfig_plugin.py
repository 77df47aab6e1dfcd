"""Program that hands out tokens of a GKE cluster; a token is valid for an hour, and each call asks for a new one."""

PLUGIN = "gke-gcloud-auth-plugin"
INSTALL = "`gcloud components install gke-gcloud-auth-plugin` brings it"
