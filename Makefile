PYTHON  ?= python3
PORT    ?= 8000
CHAPTER ?=
export CHAPTER

RUN := .venv/bin/python -m

.DEFAULT_GOAL := help
.PHONY: help env book test site notebooks fresh links assignments grade grade-many serve lab lint format seeds bench noise pretrained lock diagrams clean

help:  ## list what there is to do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16
	@echo
	@echo "CHAPTER=05 narrows book and test to one chapter; PYTHON=python3.12 chooses a Python."

env:
	@command -v $(PYTHON) >/dev/null || { echo "cannot start: no $(PYTHON) here: install Python 3.11 or newer, or name yours, as in 'make book PYTHON=python3.12'" >&2; exit 1; }
	@$(PYTHON) tools/environment.py

book: env  ## execute every chapter and build the pages
	@$(RUN) tools.book $(CHAPTER)

test: env  ## test the library and every notebook
	@$(RUN) tools.tests $(CHAPTER)

site: env  ## the book as it is published, with a PDF and an archive, into _build/site
	@$(RUN) tools.site

notebooks: env  ## executed copies of the chapters for Colab, into _build/notebooks
	@$(RUN) tools.notebooks

fresh: env  ## run these notebooks whole, each in a fresh environment
	@$(RUN) tools.fresh $(CHAPTER)

links: env  ## ask every other site that the book links to whether the page is still there
	@BOOK_CHAPTER=none .venv/bin/jupyter-book build . --builder linkcheck --path-output _build/links

assignments: env  ## students' notebooks, solutions and answer keys, into _build/assignments
	@$(RUN) tools.assignments

grade: env  ## grade a folder: SUBMISSIONS=folder KEY=_build/assignments/keys/NN_topic.json
	@$(RUN) tools.grade "$(SUBMISSIONS)" "$(KEY)" $(if $(UNSAFE),--unsafe)

grade-many: env  ## grade 200 made-up submissions, a quarter of them hostile
	@$(RUN) tests.grading.many

serve:  ## serve the built pages at localhost:8000 (PORT=...)
	@test -e _build/html/intro.html || { echo "no pages yet: run 'make book' first" >&2; exit 1; }
	@echo "http://localhost:$(PORT)/intro.html"
	@$(PYTHON) -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

lab: env  ## open the chapters in JupyterLab
	@$(RUN) jupyterlab chapters

lint: env  ## check style, and that notebooks carry no outputs
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@.venv/bin/nbstripout --verify --keep-id chapters/*.ipynb assignments/*.ipynb

format: env  ## put sources and notebooks into shape
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .
	@.venv/bin/nbstripout --keep-id chapters/*.ipynb assignments/*.ipynb

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
