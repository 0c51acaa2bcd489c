package serving

import (
	"context"
	"fmt"
	"log/slog"
)

// MaskingHandler masks messages and attribute values, those inside groups included, before they reach next. A value that is not text is
// replaced by its masked text only when there is something to mask in it. Keys are constants and pass.
func MaskingHandler(next slog.Handler) slog.Handler { return maskingHandler{next} }

type maskingHandler struct{ next slog.Handler }

func (h maskingHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h maskingHandler) Handle(ctx context.Context, r slog.Record) error {
	masked := slog.NewRecord(r.Time, r.Level, MaskCardNumbers(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		masked.AddAttrs(maskAttr(a))
		return true
	})
	return h.next.Handle(ctx, masked)
}

func (h maskingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return maskingHandler{h.next.WithAttrs(maskAttrs(attrs))}
}

func (h maskingHandler) WithGroup(name string) slog.Handler {
	return maskingHandler{h.next.WithGroup(name)}
}

func maskAttrs(attrs []slog.Attr) []slog.Attr {
	masked := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		masked[i] = maskAttr(a)
	}
	return masked
}

func maskAttr(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	var text string
	switch a.Value.Kind() {
	case slog.KindBool, slog.KindTime, slog.KindDuration:
		return a // no card number looks like one
	case slog.KindGroup:
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(maskAttrs(a.Value.Group())...)}
	case slog.KindAny:
		text = fmt.Sprintf("%+v", a.Value.Any())
	default:
		text = a.Value.String()
	}
	if masked := MaskCardNumbers(text); masked != text {
		a.Value = slog.StringValue(masked)
	}
	return a
}
