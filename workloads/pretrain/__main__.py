from workloads.pretrain.agent.launch import main
from workloads.pretrain.exits import leave

if __name__ == "__main__":
    leave(main())
