"""Sign-in for one machine: an OpenID Connect provider whose users and groups are a YAML file.

There are no passwords: whoever can open the page on this machine picks a name. All the rest is
kept as strictly as a real provider would, so that the hub is configured and tested as it is in
production: one client with a secret, exact redirect addresses, PKCE, single-use codes, signed
tokens.

``users``     the file: parsed whole, every mistake at once, read again when it changes (reads it)
``requests``  what a client may ask for at the authorisation and token endpoints        (pure)
``tokens``    signed tokens and single-use codes                           (pure but for the clock)
``page``      the HTML                                                                  (pure)
``provider``  the HTTP endpoints                                                        (I/O)
"""
