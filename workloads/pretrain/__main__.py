from workloads.pretrain.exits import leave
from workloads.pretrain.launch import main

if __name__ == "__main__":
    leave(main())
