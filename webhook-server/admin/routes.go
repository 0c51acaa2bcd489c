package admin

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// methods are the operations at one path.
type methods map[string]func(http.ResponseWriter, *http.Request) error

func (h *handler) routes() http.Handler {
	mux := http.NewServeMux()
	for path, operations := range map[string]methods{
		"/v1/notifications":             {http.MethodGet: h.list},
		"/v1/notifications/{id}":        {http.MethodGet: h.show},
		"/v1/notifications/{id}/replay": {http.MethodPost: h.replayOne},
		"/v1/replays":                   {http.MethodPost: h.replayMany},
		"/v1/destinations":              {http.MethodGet: h.destinations},
		"/v1/destinations/pause":        {http.MethodPost: h.pause},
		"/v1/destinations/resume":       {http.MethodPost: h.resume},
	} {
		mux.Handle(path, h.operation(operations))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "there is nothing here: see /openapi.json")
	})
	guarded := h.door.guard(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path+"/", "//") || strings.Contains(r.URL.Path, "/.") || r.URL.RawPath != "":
			refuse(w, http.StatusNotFound, "there is nothing here: see /openapi.json") // net/http would redirect
		case r.URL.Path == "/openapi.json":
			describe(w, r)
		default:
			guarded.ServeHTTP(w, r)
		}
	})
}

// operation runs the one of the request's method, and answers the error that it returns.
func (h *handler) operation(operations methods) http.Handler {
	allowed := slices.Sorted(maps.Keys(operations))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		run, ok := operations[method]
		if !ok {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			refuse(w, http.StatusMethodNotAllowed, "use "+strings.Join(allowed, " or "))
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		if err := run(w, r.WithContext(ctx)); err != nil {
			h.fail(w, r, err)
		}
	})
}
