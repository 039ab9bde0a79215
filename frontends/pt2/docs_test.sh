#!/usr/bin/env bash
# docs/pt2.md is what print_tables prints. docs_test.sh PRINT_TABLES PAGE
diff "$2" <("$1") || { echo "docs/pt2.md is stale: ./bazelw run //frontends/pt2:print_tables > docs/pt2.md" >&2; exit 1; }
