// SPDX-License-Identifier: Apache-2.0
#include "hub/app/up.h"
#include "hub/cli/cli.h"

int main(int argc, char** argv) { return latchkey::hub::cli::run_cli(argc, argv, {latchkey::hub::app::up_verb()}); }
