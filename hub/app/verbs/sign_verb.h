// SPDX-License-Identifier: Apache-2.0
// `latchkey sign FILE`: a signature of the signing service on a file, and a timestamp (docs/signing.md). The file does
// not leave the machine: the service sees a digest.
#pragma once

#include "hub/cli/cli.h"

namespace latchkey::hub::app {

cli::LocalVerb sign_verb();

}  // namespace latchkey::hub::app
