#pragma once
// The description of all routes, as an OpenAPI 3.1 document.
#include <string>

#include "apps/api/routes.hpp"

namespace troupe::apps::api {

std::string openapi_text(const Routes& routes);

}  // namespace troupe::apps::api
