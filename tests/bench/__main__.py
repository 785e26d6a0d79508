from tests.bench import opening

opening.main()
