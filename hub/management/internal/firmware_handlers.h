// SPDX-License-Identifier: Apache-2.0
// The handlers of firmware updates (docs/firmware-campaigns.md). The rules are registry/firmware's and hub/firmware's.
#pragma once

#include "hub/management/internal/firmware_actions.h"
#include "hub/management/internal/handlers.h"

namespace latchkey::hub::management {

Answer<Response> list_campaigns(const Context& context);
Answer<Response> show_campaign(const Context& context);
Answer<Response> publish_campaign(const Context& context);
Answer<Response> raise_campaign(const Context& context);
Answer<Response> withdraw_campaign(const Context& context);
Answer<Response> list_campaign_devices(const Context& context);

Answer<Response> show_statements(const Context& context);
Answer<Response> write_pins(const Context& context);
Answer<Response> show_statement_key(const Context& context);

}  // namespace latchkey::hub::management
