#!/bin/sh
# What CI runs for every change of the policy; any step that fails stops it. The
# folder is the one this file is in, sipedge is on PATH.
set -eu
cd "$(dirname "$0")"
sipedge fmt --check --diff .
sipedge validate --strict .
sipedge test --cover .
