package admin

import (
	"log/slog"
	"net/http"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// audit writes a line about a change: who asked for it, from where, and what they asked for. It is written before the change too, so that
// none is without one.
func (h *handler) audit(r *http.Request, what string, attrs ...slog.Attr) {
	for i, a := range attrs {
		if a.Value.Kind() == slog.KindString {
			attrs[i].Value = slog.StringValue(api.MaskCardNumbers(a.Value.String()))
		}
	}
	who := []slog.Attr{
		slog.String("audit", what), slog.String("caller", api.MaskCardNumbers(callerOf(r.Context()).Name)), slog.String("source", r.RemoteAddr),
	}
	h.Logger.LogAttrs(r.Context(), slog.LevelInfo, "administration", append(who, attrs...)...)
}
