package token

import "github.com/d1gateway/d1gateway/webhook-server/httpx"

// CheckRequest exposes the decision over a form body.
func CheckRequest(form httpx.Form) (scope, problem string) {
	scope, p := checkRequest(form)
	return scope, string(p)
}

// GrantScope exposes the decision over a scope.
func GrantScope(asked string, allowed []string) (granted, problem string) {
	granted, p := grantScope(asked, allowed)
	return granted, string(p)
}
