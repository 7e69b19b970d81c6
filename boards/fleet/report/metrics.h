// SPDX-License-Identifier: Apache-2.0
// The figures of a run as Prometheus text (exposition format 0.0.4), also of one that still goes on: a
// history::Follower and Tally::figures() give them. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "boards/fleet/report/figures.h"

namespace latchkey::boards::fleet::report {

inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// | latchkey_fleet_devices                     |                      | of the scenario
// | latchkey_fleet_sessions                    | generation           | with the hub, now
// | latchkey_fleet_asleep, _disabled, _absent  |                      | now
// | latchkey_fleet_connects_total              |                      | accepted by the hub
// | latchkey_fleet_certificates_total          | how                  | provisioned, renewed
// | latchkey_fleet_refusals_total              | reason               | as report.json names them
// | latchkey_fleet_failures_total              | reason               |
// | latchkey_fleet_messages_total              | state                | sent, acknowledged
// | latchkey_fleet_latency_seconds             | what, from, quantile | connect, provisioning, telemetry; begun, due
// | latchkey_fleet_act_devices                 | act, kind, state     | affected, live, cut, refused, back, let_in
// | latchkey_fleet_run_seconds                 |                      | since the start
std::string metrics_of(const Figures& figures);

}  // namespace latchkey::boards::fleet::report
