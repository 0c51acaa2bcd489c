package token

import (
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// CheckRequest exposes the decision over a form body.
func CheckRequest(form httpx.Form) (scope, refusal string) {
	scope, refused := checkRequest(form)
	return scope, string(refused)
}

// GrantScope exposes the decision over a scope.
func GrantScope(asked string, allowed []string) (granted, refusal string) {
	granted, refused := grantScope(asked, allowed)
	return granted, string(refused)
}

// WriteRefusal exposes the answer to every outcome but Issued.
func WriteRefusal(w http.ResponseWriter, o Outcome, retryAfter time.Duration) {
	writeRefusal(w, o, retryAfter)
}
