"""Preparation of a run's text: token files and a tokenizer, made once, before the run, on processors.

`python -m workloads.prepare JOB_FILE` prepares what the job trains on. In the job's data folder, which runs share:

    sources/DIGEST/   one text under one tokenizer: NNNNN-train.bin and NNNNN-validation.bin (token ids, little-endian),
                      counts.npy (how often each token occurs in either), facts.json
    DIGEST/           what one run reads: corpus.json names the token files of its sources; beside it the tokenizer

A digest is of the contents: equal text, split and tokenizer have one folder, whoever asks. A folder has its name when
it is whole; what a killed preparation has finished of a source is used by the next one.
"""
