"""The program that gets kubectl, pulumi and penstock a token of Microsoft Entra for an AKS cluster."""

PLUGIN = "kubelogin"
INSTALL = "install it with `az aks install-cli`, or from Azure's repository kubelogin"
SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""Id of the application "Azure Kubernetes Service AAD Server", the same in every tenant (Azure/kubelogin, docs)."""
