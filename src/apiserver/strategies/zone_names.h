// The names of the world's time zones, as CronJobs may give them.
//
// Why: a name that no clock knows is refused when it is written, not when a Job is due; and which
//   names there are must not depend on the files of the host.
// Source: the IANA Time Zone Database, its zones and links.
#pragma once

#include <string>
#include <string_view>

namespace pinnace::apiserver {

// As the database spells it, big letters and small ones. Not "Local", which is no one's zone.
bool is_zone_name(std::string_view name);

}  // namespace pinnace::apiserver
