// SPDX-License-Identifier: Apache-2.0
#include "hub/app/db_verb.h"
#include "hub/app/fleet_verb.h"
#include "hub/app/keys_verb.h"
#include "hub/app/node_verb.h"
#include "hub/app/sign_verb.h"
#include "hub/app/up.h"
#include "hub/app/verify_verb.h"
#include "hub/cli/cli.h"

int main(int argc, char** argv) {
  using namespace latchkey::hub;
  return cli::run_cli(argc, argv,
                      {app::up_verb(), app::db_verb(), app::node_verb(), app::keys_new_verb(), app::fleet_verb(),
                       app::sign_verb(), app::verify_verb()});
}
