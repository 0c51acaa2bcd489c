package httpx

import "net/http"

// Limit serves up to n requests at once with next and hands any more to shed immediately: under overload a quick refusal costs less
// than a queue whose head has already given up.
func Limit(n int, next, shed http.Handler) http.Handler {
	slots := make(chan struct{}, n)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
		default:
			shed.ServeHTTP(w, r)
			return
		}
		defer func() { <-slots }()
		next.ServeHTTP(w, r)
	})
}
