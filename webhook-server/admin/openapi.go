package admin

import (
	_ "embed"
	"net/http"
)

// openAPI describes the API (OpenAPI 3.1). It tells nothing of what is stored, so whoever reaches the address may read it.
//
//go:embed openapi.json
var openAPI []byte

func describe(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", http.MethodGet)
		refuse(w, http.StatusMethodNotAllowed, "use GET")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(openAPI)
}
