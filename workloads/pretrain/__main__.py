import sys

from workloads.pretrain.launch import main

if __name__ == "__main__":
    sys.exit(main())
