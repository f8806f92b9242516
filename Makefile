PYTHON  ?= python3
PORT    ?= 8000
CHAPTER ?=
export CHAPTER

RUN := .venv/bin/python -m

.DEFAULT_GOAL := help
.PHONY: help env book test serve lab lint format seeds bench noise pretrained lock diagrams clean

help:  ## list what there is to do
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
	@echo
	@echo "CHAPTER=05 narrows book and test to one chapter; PYTHON=python3.12 chooses a Python."

env:
	@command -v $(PYTHON) >/dev/null || { echo "cannot start: no $(PYTHON) here: install Python 3.11 or newer, or name yours, as in 'make book PYTHON=python3.12'" >&2; exit 1; }
	@$(PYTHON) tools/environment.py

book: env  ## execute every chapter and build the pages
	@$(RUN) tools.book $(CHAPTER)

test: env  ## test the library and every notebook
	@$(RUN) tools.tests $(CHAPTER)

serve:  ## serve the built pages at localhost:8000 (PORT=...)
	@test -e _build/html/intro.html || { echo "no pages yet: run 'make book' first" >&2; exit 1; }
	@echo "http://localhost:$(PORT)/intro.html"
	@$(PYTHON) -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

lab: env  ## open the chapters in JupyterLab
	@$(RUN) jupyterlab chapters

lint: env  ## check style, and that notebooks carry no outputs
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@.venv/bin/nbstripout --verify --keep-id chapters/*.ipynb

format: env  ## put sources and notebooks into shape
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .
	@.venv/bin/nbstripout --keep-id chapters/*.ipynb

seeds: env  ## run every chapter with other seeds: do its claims hold?
	@$(RUN) tools.seeds

bench: env  ## measure speed beside other libraries, write bench/results.md
	@$(RUN) bench

noise: env  ## fill chapter 11's matrix again: which noise prepares for which use?
	@$(RUN) tools.noise_matrix

lock:  ## renew constraints.txt from requirements.txt, in a fresh environment
	@$(PYTHON) tools/lock.py

diagrams: env  ## draw chapters/_diagrams/*.mmd again (needs npm and Chromium)
	@$(RUN) tools.diagrams

pretrained: env  ## train the small GPT of chapter 10 again (half an hour)
	@$(RUN) tools.pretrain_gpt

clean:  ## delete everything that was built, the environment too
	rm -rf _build .venv
