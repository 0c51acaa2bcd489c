package main

import "time"

// sayHowToLook prints where everything is and some things to try.
func (r *Run) sayHowToLook(s *shown, took time.Duration) {
	r.say(`
Up in %[1]s. It stays up until Ctrl-C.

  export KUBECONFIG=%[2]s
  D1 calls    https://%[3]s   (certificate: %[4]s)
  logs        %[5]s and webhook-server.log beside it

Things to try:

  kubectl get mgw,oac -A

  curl --cacert %[4]s -d grant_type=client_credentials \
    -u "$(kubectl -n %[6]s get secret %[7]s -o jsonpath='{.data.client_id}' | base64 -d):$(kubectl -n %[6]s get secret %[7]s -o jsonpath='{.data.client_secret}' | base64 -d)" \
    https://%[3]s/oauth2/token

  kubectl -n %[6]s edit oac %[8]s      # set spec.state to Suspended, then ask for a token again

  export D1GATEWAY_ADMIN=http://%[9]s
  bin/webhook-server notifications list
  bin/webhook-server destinations list
  bin/webhook-server notifications replay --help`,
		took.Round(100*time.Millisecond), r.path("kubeconfig"), r.url(r.d1), r.path("tls.crt"),
		r.path("controllers.log"), s.client.Namespace, s.client.Spec.Credentials.SecretName, s.client.Name, r.admin)
}
