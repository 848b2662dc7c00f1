"""What makes the files in `mem/model`; left out of the wheel. Each script takes the corpus folder."""
