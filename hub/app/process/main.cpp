// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/up.h"
#include "hub/app/verbs/db_verb.h"
#include "hub/app/verbs/fleet_verb.h"
#include "hub/app/verbs/keys_verb.h"
#include "hub/app/verbs/node_verb.h"
#include "hub/app/verbs/sign_verb.h"
#include "hub/app/verbs/verify_verb.h"
#include "hub/cli/cli.h"

int main(int argc, char** argv) {
  using namespace latchkey::hub;
  return cli::run_cli(argc, argv,
                      {app::up_verb(), app::db_verb(), app::node_verb(), app::keys_new_verb(), app::fleet_verb(),
                       app::sign_verb(), app::verify_verb()});
}
