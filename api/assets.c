/* assets.c: the terminal page and the interface's description, built into the program so that there is
 * nothing to find at run time. WARREN_SRCDIR is the source folder at build time. */
#include <string.h>

#include "api/routes.h"

#define EMBED(name, file)                                                                                    \
	extern const char asset_##name[], asset_##name##_end[];                                              \
	__asm__(".pushsection .rodata\n.global asset_" #name ", asset_" #name "_end\nasset_" #name           \
		":\n.incbin \"" WARREN_SRCDIR "/" file "\"\nasset_" #name "_end:\n.byte 0\n.popsection\n")

EMBED(index_html, "clients/web/index.html");
EMBED(page_css, "clients/web/page.css");
EMBED(page_js, "clients/web/page.js");
EMBED(xterm_js, "clients/web/vendor/xterm.js");
EMBED(xterm_css, "clients/web/vendor/xterm.css");
EMBED(addon_fit_js, "clients/web/vendor/addon-fit.js");
EMBED(openapi_yaml, "api/openapi.yaml");

static const struct {
	const char *name, *type, *bytes, *end;
} assets[] = {
    {"page.css", "text/css; charset=utf-8", asset_page_css, asset_page_css_end},
    {"page.js", "text/javascript; charset=utf-8", asset_page_js, asset_page_js_end},
    {"xterm.js", "text/javascript; charset=utf-8", asset_xterm_js, asset_xterm_js_end},
    {"xterm.css", "text/css; charset=utf-8", asset_xterm_css, asset_xterm_css_end},
    {"addon-fit.js", "text/javascript; charset=utf-8", asset_addon_fit_js, asset_addon_fit_js_end},
};

static void answer(struct request *request, const char *type, const char *bytes, const char *end)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    (size_t)(end - bytes), (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT);

	MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "Cache-Control", "no-cache");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, "Content-Security-Policy",
				"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
				"connect-src 'self' ws: wss:; img-src 'self' data:; form-action 'self'; "
				"frame-ancestors 'none'; base-uri 'none'");
	request_answer(request, 200, response);
}

void api_page(struct request *request)
{
	answer(request, "text/html; charset=utf-8", asset_index_html, asset_index_html_end);
}

void api_openapi(struct request *request)
{
	answer(request, "application/yaml", asset_openapi_yaml, asset_openapi_yaml_end);
}

void api_asset(struct request *request)
{
	for (size_t i = 0; i < sizeof(assets) / sizeof(*assets); i++) {
		if (strcmp(assets[i].name, request->parameter) == 0) {
			answer(request, assets[i].type, assets[i].bytes, assets[i].end);
			return;
		}
	}
	request_problem(request, 404, "no_such_path", "there is no such file");
}
