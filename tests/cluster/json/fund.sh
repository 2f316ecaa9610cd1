account=$(troupe fund show --json | grep -o 'tro1[a-z0-9]*' | head -n 1)
troupe wallet issue "$account" 10
payment=$(troupe fund propose "$seller" 1 --category food --reason bread)
troupe fund report -o report
prints FundProposal fund propose "$seller" 2 --category food --reason milk
prints FundProposal fund sign "$payment"
prints FundProposals fund ls
prints Fund fund show
prints FundReportHead,FundReportRow,FundReportSums,FundReportEnd fund report
prints FundVerified fund verify report
