"""What building and running penstock needs: environment, engine. Standard library only: it runs before they exist."""
