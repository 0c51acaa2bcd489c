package httpx

import (
	"fmt"
	"log/slog"
	"runtime"
)

// PanicAttr describes a recovered panic for a log: the message of a run-time error, but only the type of anything else, because a
// value that was panicked with may hold parts of a request.
func PanicAttr(p any) slog.Attr {
	if err, ok := p.(runtime.Error); ok {
		return slog.String("panic", err.Error())
	}
	return slog.String("panic", fmt.Sprintf("%T", p))
}
