#!/bin/sh
# What $BROWSER is in the tests: it notes the page, whole or not at all; the test opens it.
printf '%s' "$1" >"$PAGE_TO_OPEN.part" && mv "$PAGE_TO_OPEN.part" "$PAGE_TO_OPEN"
